/** What a port of UDP or TCP is. */

export const leastPort = 1;
export const mostPort = 65_535;

export const isPort = (value: number): boolean =>
  Number.isInteger(value) && value >= leastPort && value <= mostPort;

/** Every text that is a port, and the empty one: for a JSON schema, which has patterns alone. */
export const portOrEmptyPattern =
  /^(?:0*(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))?$/;

/** `8266`: digits alone. undefined: no port. */
export function portFrom(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return isPort(Number(text)) ? Number(text) : undefined;
}
