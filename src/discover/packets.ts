/** Bytes to DNS records and back. Pure; never throws on what the network sent. */

import { type Answer, decode, encode, type Question } from 'dns-packet';

/** RFC 6762, section 17: no Multicast DNS packet is larger. */
const largestPacketBytes = 9000;
const headerBytes = 12;
const smallestRecordBytes = 11;

/** The records of a response; undefined for a question, for garbage, and for what is too large to be true. */
export function parseResponse(bytes: Uint8Array): Answer[] | undefined {
  if (bytes.length < headerBytes || bytes.length > largestPacketBytes) return undefined;
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((packet[2] ?? 0) < 0x80) return undefined;
  // The decoder makes room for as many records as the header promises, up to four times 65,535.
  const promisedRecords = [6, 8, 10].reduce((sum, offset) => sum + packet.readUInt16BE(offset), 0);
  const promisedQuestions = packet.readUInt16BE(4);
  if (headerBytes + promisedRecords * smallestRecordBytes + promisedQuestions * 5 > packet.length) {
    return undefined;
  }
  try {
    const { answers = [], additionals = [] } = decode(packet);
    // The decoder does not mind when the last record ends after the packet; its count is then too large, or not a number.
    return decode.bytes <= packet.length ? [...answers, ...additionals] : undefined;
  } catch {
    return undefined;
  }
}

export const arduinoService = '_arduino._tcp.local';

/** All that is asked about a device of this name, in one packet: its host's addresses, its service, what it says of itself. */
export function questionsAbout(mdnsName: string): Question[] {
  const name = mdnsName.normalize('NFC');
  return [
    { type: 'A', name: `${name}.local` },
    { type: 'AAAA', name: `${name}.local` },
    { type: 'SRV', name: `${name}.${arduinoService}` },
    { type: 'TXT', name: `${name}.${arduinoService}` },
  ];
}

export function questionsAboutHosts(hosts: readonly string[]): Question[] {
  return hosts.flatMap((name) => [
    { type: 'A' as const, name },
    { type: 'AAAA' as const, name },
  ]);
}

export function formatQuery(questions: readonly Question[], known: readonly Answer[] = []): Buffer {
  return encode({ type: 'query', questions: [...questions], answers: [...known] });
}
