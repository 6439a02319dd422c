/** What a value that was read from a file is. Pure. (The schema library would be loaded by every push.) */

export type Check = (value: unknown) => boolean;
export type Checks<Key extends PropertyKey = string> = Readonly<Record<Key, Check>>;

export const isText: Check = (value) => typeof value === 'string';
export const isNumber: Check = (value) => typeof value === 'number';
export const isFlag: Check = (value) => typeof value === 'boolean';

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((each) => check(each));

/** Other keys may be there. */
export function objectOf(needed: Checks, optional: Checks = {}): Check {
  return (value) =>
    isObject(value) &&
    Object.entries(needed).every(([key, check]) => check(value[key])) &&
    Object.entries(optional).every(([key, check]) => value[key] === undefined || check(value[key]));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Without those of these keys whose value is odd. */
export function withoutOdd(
  value: Readonly<Record<string, unknown>>,
  checks: Checks,
): Record<string, unknown> {
  const isFit = ([key, each]: [string, unknown]): boolean => {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    return check === undefined || check(each);
  };
  return Object.fromEntries(Object.entries(value).filter(isFit));
}
