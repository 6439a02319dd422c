/** Where the settings of a HomeDing device are read when they are not in a file: `homeding: http://…`. Pure. */

export const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]{0,20}:\/\//i.test(text);

/** Undefined: not of a form that is read. */
export function homedingUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' && url.username === '' && url.password === '' ? url : undefined;
}

/** Without a query, in which anything may stand. */
export const shownUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** Without the brackets of IPv6. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');
