/** What a port of UDP or TCP is. */

export const leastPort = 1;
export const mostPort = 65_535;

export const isPort = (value: number): boolean =>
  Number.isInteger(value) && value >= leastPort && value <= mostPort;

/** `8266`: digits alone. undefined: no port. */
export function portFrom(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return isPort(Number(text)) ? Number(text) : undefined;
}
