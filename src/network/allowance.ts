/**
 * How much may be said to us before it counts as a flood: in records, for a packet may hold one or five hundred. Pure but
 * for its own count; bounded itself.
 */

/** Of records; a packet counts as one at least. */
export interface AllowanceLimits {
  readonly perSender: number;
  /** Of all senders together. */
  readonly total: number;
  /** Both start anew after this time; Infinity: never. */
  readonly windowMs: number;
}

export interface PacketLoad {
  readonly sender: string;
  /** As the packet promises. */
  readonly records: number;
  readonly nowMs: number;
}

/** Says of each packet whether it is still welcome. */
export type Allowance = (said: PacketLoad) => boolean;

export function createAllowance({ perSender, total, windowMs }: AllowanceLimits): Allowance {
  const bySender = new Map<string, number>();
  let all = 0;
  let windowStartMs = -Infinity;
  return ({ sender, records, nowMs }) => {
    if (nowMs - windowStartMs >= windowMs) {
      bySender.clear();
      all = 0;
      windowStartMs = nowMs;
    }
    const cost = Math.max(1, records);
    const count = (bySender.get(sender) ?? 0) + cost;
    if (all + cost > total || count > perSender) return false;
    all += cost;
    bySender.set(sender, count);
    return true;
  };
}
