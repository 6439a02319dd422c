import { describe, expect, it } from 'vitest';
import { type Allowance, createAllowance } from '../../../src/network/allowance.ts';

const allows = (isAllowed: Allowance, sender: string, nowMs: number, records = 1) =>
  Array.from({ length: 20 }, () => isAllowed({ sender, records, nowMs })).filter(Boolean).length;

describe('the allowance', () => {
  it('limits each sender and all together, and starts anew with each window', () => {
    const isAllowed = createAllowance({ perSender: 5, total: 12, windowMs: 1000 });
    expect(allows(isAllowed, 'a', 0)).toBe(5);
    expect(allows(isAllowed, 'b', 500)).toBe(5);
    expect(allows(isAllowed, 'c', 999)).toBe(2);
    expect(allows(isAllowed, 'a', 1000)).toBe(5);
  });

  it('without windows never starts anew', () => {
    const isAllowed = createAllowance({ perSender: 5, total: 12, windowMs: Infinity });
    expect(allows(isAllowed, 'a', 0)).toBe(5);
    expect(allows(isAllowed, 'a', 1e12)).toBe(0);
  });

  it('counts records, and an empty packet as one', () => {
    const isAllowed = createAllowance({ perSender: 1000, total: 5000, windowMs: 1000 });
    expect(allows(isAllowed, 'a', 0, 300)).toBe(3);
    expect(allows(isAllowed, 'a', 0, 0)).toBe(20);
    expect(allows(isAllowed, 'a', 0, 100)).toBe(0);
    expect(allows(isAllowed, 'a', 0, 2 ** 18)).toBe(0);
    expect(allows(isAllowed, 'b', 0, 1)).toBe(20);
  });
});
