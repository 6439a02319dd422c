/** The espota engine: ArduinoOTA of the ESP8266, ESP32 and RP2040 Arduino cores. */

import type { Engine } from '../engine.ts';
import { noDevice, notPrepared } from './failures.ts';
import { createInbox } from './inbox.ts';
import { createSession } from './session.ts';
import { openTransport, type Input, type OpenTransport } from './transport.ts';

/** The engine over given sockets and clock; `espota` is the one over the real ones. */
export function createEspota(parts: { open: OpenTransport; now: () => number }): Engine {
  return {
    name: 'espota',
    capabilities: { kinds: ['firmware', 'filesystem'], verifiesDigest: true },
    async prepare(target, context) {
      const { hostAddress, hostPort } = target;
      if (/^(?:0\.0\.0\.0|[0:]+)$/.test(target.address)) throw noDevice(target, 'stands for any');
      const inbox = createInbox<Input>(parts.now);
      const transport = await parts
        .open({
          device: target,
          tell: (input) => inbox.put(input),
          ...(hostAddress === undefined ? {} : { hostAddress }),
          ...(hostPort === undefined ? {} : { hostPort }),
        })
        .catch((error: unknown) => {
          throw notPrepared(error, target);
        });
      return createSession({ target, context, transport, inbox, now: parts.now });
    },
  };
}

export const espota: Engine = createEspota({ open: openTransport, now: () => performance.now() });
