/** Run in a network namespace: a virtual device as the JSON argument says, until it is killed; tells what happens to it. */

import { startVirtualDevice, type VirtualDeviceOptions } from '../../src/simulator/index.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as VirtualDeviceOptions;
const quick = { verdictDelayMs: 0, closeDelayMs: 0, rebootMs: 0, openFlashMs: 0 };
await startVirtualDevice({
  flash: { msPerSector: 0 },
  ...options,
  timing: { ...quick, ...options.timing },
  tell: (event) => {
    const more = event.type === 'update-ended' ? ` ${event.update.receivedBytes} bytes` : '';
    process.stdout.write(`${event.type}${more}\n`);
  },
});
