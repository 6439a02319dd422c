/** The espota engine: ArduinoOTA of the ESP8266, ESP32 and RP2040 Arduino cores. */

import type { Engine, EngineContext } from '../engine.ts';
import { imageKinds, platforms, type Target } from '../../model/types.ts';
import type { Exchange } from './agree.ts';
import { tellConversation } from './conversation.ts';
import { noDevice, notPrepared } from './failures.ts';
import { createInbox } from './inbox.ts';
import { defaultPort, usualPlatforms } from './ports.ts';
import { createSession } from './session.ts';
import { openTransport, type Input, type OpenTransport } from './transport.ts';

interface Parts {
  readonly open: OpenTransport;
  readonly now: () => number;
}

/** The engine over given sockets and clock; `espota` is the one over the real ones. */
export function createEspota(parts: Parts): Engine {
  return {
    name: 'espota',
    takes: { kinds: imageKinds, platforms },
    defaultPort,
    usualPlatforms,
    prepare: async (target, context) => createSession(await openExchange(parts, target, context)),
    // Loaded when a push has failed.
    explain: async (observed) => (await import('./causes/index.ts')).causesOf(observed),
  };
}

/** Opens the sockets of one exchange and sends nothing. */
export async function openExchange(
  { open, now }: Parts,
  target: Target,
  context: EngineContext,
): Promise<Omit<Exchange, 'where'>> {
  const { hostAddress, hostPort } = target;
  if (/^(?:0\.0\.0\.0|[0:]+)$/.test(target.address)) throw noDevice(target, 'stands for any');
  const inbox = createInbox<Input>(now);
  const conversation = tellConversation({ tell: context.tell, now });
  const transport = await open({
    device: target,
    tell: (input) => inbox.put(conversation.heard(input)),
    ...(hostAddress === undefined ? {} : { hostAddress }),
    ...(hostPort === undefined ? {} : { hostPort }),
  }).catch((error: unknown) => {
    throw notPrepared(error, target);
  });
  return { target, context, transport: conversation.over(transport), inbox, now };
}

/** The real sockets, and the clock that no one sets. */
export const systemParts: Parts = { open: openTransport, now: () => performance.now() };

export const espota: Engine = createEspota(systemParts);
