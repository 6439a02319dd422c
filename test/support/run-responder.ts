/** Run in a network namespace: a responder as the JSON argument says, until it is killed. */

import { createSocket } from 'node:dgram';
import { encode } from 'dns-packet';
import { openShared, recordsOf, type ResponderOptions, startResponder } from './mdns-responder.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as ResponderOptions & {
  /**
   * Takes a port and answers nothing. `shared`: 5353, as the system's own responder does; `flood`: and announces another
   * device every millisecond.
   */
  occupy?: 'shared' | 'flood' | number;
};
if (typeof options.occupy === 'number') {
  const port = options.occupy;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, resolve));
} else if (options.occupy === 'shared') {
  await openShared('0.0.0.0', options.on ?? '127.0.0.1');
} else if (options.occupy === 'flood') {
  const on = options.on ?? '127.0.0.1';
  const socket = await openShared('0.0.0.0', on);
  let count = 0;
  setInterval(() => {
    const answers = recordsOf({ name: `flood-${(count += 1)}`, addresses: [on], ttl: 120 });
    socket.send(encode({ type: 'response', answers }), 5353, '224.0.0.251');
  }, 1);
} else {
  await startResponder(options);
}
process.stdout.write('ready\n');
