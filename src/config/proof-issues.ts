/** Mistakes under `verify:` and `logs:` that concern several of its keys, and placeholders that nothing stands for. Pure. */

import type { Issue } from './describe-issue.ts';
import { nearest } from './nearest.ts';
import { logPlaceholders } from '../model/log-source.ts';
import { placeholdersIn, proofPlaceholders } from '../model/placeholders.ts';

type Settings = Readonly<Record<string, unknown>>;

/** Of the whole configuration and of each device, all at once. The value is not checked by the schema yet. */
export function proofIssues(file: Settings): Issue[] {
  const devices = recordOf(file['devices']);
  return [
    ...issuesOf(['verify'], file['verify'], undefined),
    ...Object.entries(devices).flatMap(([name, device]) => [
      ...issuesOf(['devices', name, 'verify'], recordOf(device)['verify'], file['verify']),
      ...logsIssues(['devices', name, 'logs'], recordOf(device)['logs']),
    ]),
  ];
}

function logsIssues(path: readonly string[], given: unknown): Issue[] {
  const { command } = recordOf(given);
  const texts: unknown[] = Array.isArray(command) ? command : [given];
  const unknown = texts
    .flatMap((text) => (typeof text === 'string' ? placeholdersIn(text) : []))
    .find((name) => !logPlaceholders.some((each) => each === name));
  return unknown === undefined ? [] : [{ path, message: unknownPlaceholder(unknown, logPlaceholders) }];
}

/** @param inherited what holds for all devices: a device may name a method whose settings stand there */
function issuesOf(path: readonly string[], given: unknown, inherited: unknown): Issue[] {
  const own = recordOf(given);
  const method = typeof given === 'string' ? given : own['method'];
  const methodPath = typeof given === 'string' ? path : [...path, 'method'];
  const missing = (['http', 'command'] as const)
    .filter((each) => method === each && own[each] === undefined && recordOf(inherited)[each] === undefined)
    .map((each) => ({ path: methodPath, message: needs[each] }));
  return [...missing, ...httpIssues([...path, 'http'], own['http'])];
}

const needs = {
  http: 'needs `http:` beside it: the URL to ask, and what it says once the new image runs',
  command: 'needs `command:` beside it: the program whose exit status 0 says that the new image runs',
};

const forms = ['contains', 'matches', 'json'];

function httpIssues(path: readonly string[], http: unknown): Issue[] {
  if (!isRecord(http)) return [];
  const given = forms.filter((form) => http[form] !== undefined);
  const issues: Issue[] = [];
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? 'needs what the answer says once the new image runs: one of contains, matches, json'
        : `must have only one of ${given.join(', ')}`;
    issues.push({ path, message });
  }
  const json = recordOf(http['json']);
  const texts: [readonly string[], unknown][] = [
    [['url'], http['url']],
    [['contains'], http['contains']],
    [['matches'], http['matches']],
    [['json', 'equals'], json['equals']],
  ];
  for (const [below, text] of texts) {
    const unknown =
      typeof text === 'string' ? placeholdersIn(text).find((name) => !isKnown(name)) : undefined;
    if (unknown !== undefined)
      issues.push({ path: [...path, ...below], message: unknownPlaceholder(unknown, proofPlaceholders) });
  }
  return issues;
}

const isKnown = (name: string): boolean => proofPlaceholders.some((each) => each === name);

/** Without the word itself: anything may stand in a URL. */
export function unknownPlaceholder(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const all = known.map((each) => `{${each}}`).join(', ');
  return meant === undefined
    ? `has an unknown placeholder; known here: ${all}`
    : `has an unknown placeholder; did you mean {${meant}}? Known here: ${all}`;
}

const recordOf = (value: unknown): Settings => (isRecord(value) ? value : {});

function isRecord(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
