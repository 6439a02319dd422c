/** How much may be said to us before it counts as a flood. Pure but for its own count; bounded itself. */

export interface Limits {
  readonly perSender: number;
  /** Of all senders together. */
  readonly total: number;
  /** Both start anew after this time; Infinity: never. */
  readonly windowMs: number;
}

/** Says of each packet whether it is still welcome. */
export type Allowance = (sender: string, nowMs: number) => boolean;

export function createAllowance({ perSender, total, windowMs }: Limits): Allowance {
  const bySender = new Map<string, number>();
  let all = 0;
  let windowStartMs = -Infinity;
  return (sender, nowMs) => {
    if (nowMs - windowStartMs >= windowMs) {
      bySender.clear();
      all = 0;
      windowStartMs = nowMs;
    }
    const count = (bySender.get(sender) ?? 0) + 1;
    if (all >= total || count > perSender) return false;
    all += 1;
    bySender.set(sender, count);
    return true;
  };
}
