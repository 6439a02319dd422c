/**
 * `npm run bench [-- transfer|startup|hook] [--all] [--rounds N]`: the figures that otarc promises, measured. Exit status 1
 * when one of them is missed.
 */

import { parseArgs } from 'node:util';
import { benchHook } from './hook.ts';
import { benchStartup } from './startup.ts';
import { benchTransfer, others, required } from './transfer.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } },
});
const wants = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

let isKept = true;
if (wants('transfer')) {
  const scenarios = values.all ? [...required, ...others] : required;
  isKept = (await benchTransfer(scenarios, Number(values.rounds))) && isKept;
}
// With the machine to itself, so last.
if (wants('startup')) isKept = (await benchStartup(Math.max(20, Number(values.rounds)))) && isKept;
if (wants('hook')) isKept = (await benchHook(Math.max(20, Number(values.rounds)))) && isKept;
process.exitCode = isKept ? 0 : 1;
