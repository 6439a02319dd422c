/**
 * `npm run bench [-- transfer|watch|startup|devices|hook|proof] [--all] [--rounds N]`: the figures that otarc promises, measured. Exit status 1
 * when one of them is missed.
 */

import { parseArgs } from 'node:util';
import { benchDevices } from './devices.ts';
import { benchHook } from './hook.ts';
import { benchProof } from './proof.ts';
import { benchStartup } from './startup.ts';
import { benchTransfer, others, required } from './transfer.ts';
import { benchWatch } from './watch.ts';

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
// With the machine to themselves, so last.
if (wants('watch')) isKept = (await benchWatch(Math.max(20, Number(values.rounds)))) && isKept;
if (wants('startup')) isKept = (await benchStartup(Math.max(20, Number(values.rounds)))) && isKept;
if (wants('devices')) isKept = (await benchDevices(Math.max(20, Number(values.rounds)))) && isKept;
if (wants('hook')) isKept = (await benchHook(Math.max(20, Number(values.rounds)))) && isKept;
if (wants('proof')) isKept = (await benchProof(Math.max(20, Number(values.rounds)))) && isKept;
process.exitCode = isKept ? 0 : 1;
