/** Run in a network namespace: a responder as the JSON argument says, until it is killed. */

import { createSocket } from 'node:dgram';
import { openShared, type ResponderOptions, startResponder } from './mdns-responder.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as ResponderOptions & {
  /** Takes a port and answers nothing. `shared`: 5353, as the system's own responder does. */
  occupy?: 'shared' | number;
};
if (typeof options.occupy === 'number') {
  const port = options.occupy;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, resolve));
} else if (options.occupy === 'shared') {
  await openShared('0.0.0.0', options.on ?? '127.0.0.1');
} else {
  await startResponder(options);
}
process.stdout.write('ready\n');
