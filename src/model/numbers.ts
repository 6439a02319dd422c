/** `409,616`: the same in every locale, so that messages can be searched for; and without the 12 ms that loading one takes. */
export function thousands(value: number): string {
  const digits = String(value);
  const first = digits.length % 3 || 3;
  return digits.slice(0, first) + digits.slice(first).replaceAll(/\d{3}/g, ',$&');
}

/** `3.2 s`, `60 s`: tenths where they count. */
export function roundedSeconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(ms < 10_000 ? 1 : 0))} s`;
}
