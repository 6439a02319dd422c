/** `409,616`: the same in every locale, so that messages can be searched for; and without the 12 ms that loading one takes. */
export function thousands(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
