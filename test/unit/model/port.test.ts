import { describe, expect, it } from 'vitest';
import { portFrom, portOrEmptyPattern } from '../../../src/model/port.ts';

describe('a port as text', () => {
  it('is the same for the JSON schema', () => {
    const texts = Array.from({ length: 70_000 }, (_, port) => String(port));
    const others = ['08266', '00', '-1', '1.5', ' 1', '1e3', '655350', '100000'];
    const differing = [...texts, ...others].filter(
      (text) => portOrEmptyPattern.test(text) !== (portFrom(text) !== undefined),
    );
    expect(differing).toEqual([]);
    expect(portOrEmptyPattern.test('')).toBe(true);
    expect(portFrom('65535')).toBe(65_535);
    expect(portFrom('65536')).toBeUndefined();
  });
});
