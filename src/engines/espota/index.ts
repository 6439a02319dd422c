/** The espota engine: ArduinoOTA of the ESP8266, ESP32 and RP2040 Arduino cores. */

import type { Engine } from '../engine.ts';
import { imageKinds, platforms } from '../../model/types.ts';
import { openExchange, systemParts, type ExchangeParts } from './open-exchange.ts';
import { defaultPort, usualPlatforms } from './ports.ts';
import { refuses } from './refuses.ts';
import { createSession } from './session.ts';

/** The engine over given sockets and clock; `espota` is the one over the real ones. */
export function createEspota(parts: ExchangeParts): Engine {
  return {
    name: 'espota',
    takes: { kinds: imageKinds, platforms },
    defaultPort,
    refuses,
    usualPlatforms,
    prepare: async (target, context) => createSession(await openExchange(parts, target, context)),
    // Loaded when a push has failed.
    explain: async (observed) => (await import('./causes/index.ts')).causesOf(observed),
    async *way(target, context) {
      yield* (await import('./way.ts')).way(target, context);
    },
    touch: async (target, context) => (await import('./touch.ts')).touch(target, context),
    probeNotice:
      'the device is invited to an update, which is broken off before its first byte: nothing is written, and the ' +
      'onStart and onError of its sketch run.',
    async *probe(target, context) {
      yield* (await import('./probe-steps.ts')).probe(target, context);
    },
  };
}

export const espota: Engine = createEspota(systemParts);
