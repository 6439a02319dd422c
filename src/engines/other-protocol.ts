/**
 * `_arduino._tcp` is also announced by boards that take uploads by HTTP (`POST /sketch`): the ArduinoOTA library of SAMD,
 * UNO R4, Nano 33 IoT and MKR boards. They know nothing of espota. Pure.
 */

import { platformOfBoard } from '../model/board.ts';

export const httpOtaPort = 65_280;
/** As the library is called where it is installed, and what it speaks. */
export const httpOta = 'ArduinoOTA over HTTP';
export type OtherProtocol = typeof httpOta;

/** Boards of that library, as they announce themselves (`mkrwifi1010`, `nano_33_iot`, `UNOR4WIFI`). */
const httpBoard =
  /^(?:arduino_)?(?:samd_)?(?:mkr|nano_33_iot|nano33iot|uno_?r4|uno_?wifi|mzero|zero$|portenta|giga|opta|nicla)/;

/** What the announcing device speaks where that is not espota; a board of a core that speaks espota counts more than its port. */
export function otherProtocolOf(announced: {
  readonly port: number;
  readonly board?: string | undefined;
}): OtherProtocol | undefined {
  const { port, board = '' } = announced;
  if (platformOfBoard(board) !== undefined) return undefined;
  const name = board
    .toLowerCase()
    .replaceAll('"', '')
    .replaceAll(/[\s-]+/g, '_');
  return port === httpOtaPort || httpBoard.test(name) ? httpOta : undefined;
}
