/**
 * Loaded into a process before its program (`node --import`): kills it with SIGKILL right before the change to the file system
 * whose number is in KILL_AT; a text is half written by then. At the end of a process that was not killed, their number goes
 * into the file of KILL_COUNT.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env['KILL_AT'] ?? 'Infinity');
let count = 0;
const isNext = () => ++count === at;
const kill = () => process.kill(process.pid, 'SIGKILL');

const changes = ['mkdir', 'chmod', 'chown', 'rename', 'rm', 'rmdir', 'unlink', 'writeFile', 'appendFile'];
for (const name of changes) {
  const real = fs.promises[name];
  fs.promises[name] = async (...args) => {
    if (isNext()) kill();
    return real(...args);
  };
}
const realOpen = fs.promises.open;
fs.promises.open = async (path, flags, ...rest) => {
  const isWritten = typeof flags === 'string' && /[wa+]/.test(flags);
  if (isWritten && isNext()) kill();
  const handle = await realOpen(path, flags, ...rest);
  if (!isWritten) return handle;
  const { writeFile, sync } = handle;
  handle.writeFile = async (text, ...more) => {
    if (isNext()) {
      await writeFile.call(handle, text.slice(0, text.length / 2), ...more);
      kill();
    }
    return writeFile.call(handle, text, ...more);
  };
  handle.sync = async () => {
    if (isNext()) kill();
    return sync.call(handle);
  };
  return handle;
};
syncBuiltinESMExports();
process.on('exit', () => {
  const file = process.env['KILL_COUNT'];
  if (file !== undefined) fs.writeFileSync(file, String(count));
});
