/** Lines of `.otarc.env`. Pure. */

import { parseEnv } from 'node:util';
import { OtaError } from '../model/errors.ts';

/** `NAME=value`, quoted so that it is read again as it is. */
export function envLine(name: string, value: string): string {
  const isPlain = /^[\w.,:@%+/-]+$/.test(value);
  const quotes = isPlain ? [''] : ["'", '`', '"'];
  for (const quote of quotes) {
    const line = `${name}=${quote}${value}${quote}`;
    const isWhole = quote === '' || !value.includes(quote);
    if (isWhole && !/[\r\n]/.test(value) && valuesOf(line)[name] === value) return line;
  }
  throw new OtaError('USAGE', 'This password cannot be written into a line of .otarc.env.', {
    hint: 'Set the variable in the environment, or let .otarc read it from a file: password: { file: … }.',
  });
}

export function valuesOf(text: string): Record<string, string | undefined> {
  return parseEnv(text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n'));
}

/** The same text with every value hidden, and no digest that could be tried passwords on. */
export function withoutValues(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      if (/^\s*#/.test(line)) return line.replace(/(>>> otarc init )[0-9a-f]{8}/, '$1••••••••');
      const [, name] = /^(\s*(?:export )?[A-Za-z_]\w*\s*=)/.exec(line) ?? [];
      // The rest of a value that goes over several lines is no less secret.
      if (name === undefined) return line.trim() === '' ? line : '••••';
      return `${name}••••`;
    })
    .join('\n');
}
