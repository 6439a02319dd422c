import { OtaError } from '../model/errors.ts';

/** One mistake in the configuration, without any value that could be a secret. */
export interface ConfigProblem {
  /** `/home/me/p/.otarc:5`, `environment OTARC_PORT` */
  readonly place: string;
  /** `devices.livingroom.port`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Nobody reads more of them. */
const mostProblems = 100;

/** All mistakes as one error. */
export function invalid(all: readonly ConfigProblem[]): OtaError {
  const problems = all.slice(0, mostProblems);
  const lines = problems.map(
    ({ place, path, message }) => `${place}: ${path === '' ? '' : `${path}: `}${message}`,
  );
  const [only] = lines;
  const text =
    lines.length === 1 && only !== undefined
      ? only
      : `${all.length} mistakes in the configuration${all.length > lines.length ? `, the first ${lines.length}` : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  const isOfVariables = problems.every(({ place }) => place.startsWith('environment '));
  return new OtaError('CONFIG_INVALID', text, {
    ...(isOfVariables && { hint: 'Correct or unset what is named above.' }),
    details: { problems },
  });
}

/**
 * `devices.livingroom.port`; a key that is no plain word stands in brackets and quotes. For a configuration that was checked:
 * what a mistake is about may hold a password (`shownKeyPath`).
 */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const key = String(segment);
      if (!/^[\p{L}\p{N}_$-]+$/u.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}
