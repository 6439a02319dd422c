/**
 * A process that appends records of the device `hall`: `argv[2]` is the folder, `argv[3]` how many (0: without end), `argv[4]`
 * how much text each has; with `shared` for `argv[5]` the folder is that of `history.dir`. It says `ready`, waits for a line, and says the id of each record once that is stored, `lost …` for
 * each loss that it was told.
 */

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openHistory } from '../../src/deploy/history/history.ts';
import { historyPlace } from '../../src/deploy/history/place.ts';
import { recordOf } from './history-records.ts';

const [folder = '', count = '0', size = '0', kind] = process.argv.slice(2);
const own = { folder, modes: { folder: 0o700, file: 0o600 }, user: 'me', computer: 'here' };
const say = (text: string): void => void writeSync(1, `${text}\n`);
const history = openHistory({
  place: kind === 'shared' ? historyPlace({ USER: `u${process.geteuid?.()}` }, { shared: folder }) : own,
  onLoss: (message) => say(`lost ${message}`),
});
say('ready');
await once(process.stdin, 'data');
for (let done = 0; Number(count) === 0 || done < Number(count); done += 1) {
  const record = recordOf({ at: new Date().toISOString(), reason: 'x'.repeat(Number(size)) });
  history.append(record);
  say(record.id);
  await new Promise((resolve) => setImmediate(resolve));
}
say('end');
process.stdin.destroy();
