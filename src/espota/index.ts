/** The espota engine: ArduinoOTA of the ESP8266, ESP32 and RP2040 Arduino cores. */

import type { Engine } from '../engine.ts';
import { OtaError } from '../errors.ts';
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
      const inbox = createInbox<Input>(parts.now);
      const transport = await parts
        .open({
          device: target,
          tell: (input) => inbox.put(input),
          ...(hostAddress === undefined ? {} : { hostAddress }),
          ...(hostPort === undefined ? {} : { hostPort }),
        })
        .catch((error: unknown) => {
          throw explain(error, { address: target.address, hostAddress, hostPort });
        });
      return createSession({ target, context, transport, inbox, now: parts.now });
    },
  };
}

export const espota: Engine = createEspota({ open: openTransport, now: () => performance.now() });

function explain(
  error: unknown,
  at: { address: string; hostAddress: string | undefined; hostPort: number | undefined },
): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const details = { ...at, code };
  switch (code) {
    case 'EADDRINUSE':
      return new OtaError('HOST_PORT_IN_USE', `TCP port ${at.hostPort} of this computer is taken.`, {
        cause: error,
        details,
      });
    case 'EACCES':
      return new OtaError('HOST_PORT_IN_USE', `TCP port ${at.hostPort} of this computer needs more rights.`, {
        cause: error,
        details,
        hint: 'Choose a --host-port above 1023, or leave it out and let otarc choose.',
      });
    case 'EADDRNOTAVAIL':
      return new OtaError(
        'CONFIG_INVALID',
        `${at.hostAddress ?? 'The host address'} is no address of this computer.`,
        {
          cause: error,
          details,
          hint: 'Correct `hostAddress` (--host-address), or leave it out: otarc takes the route to the device.',
        },
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new OtaError('DEVICE_SILENT', `This computer has no route to ${at.address} (${code}).`, {
        cause: error,
        details,
        hint: 'Connect to the network of the device, or check its address.',
      });
    default:
      return error;
  }
}
