/** Three ways of sending one image to one device. Each gives the milliseconds from the first invitation to the verdict. */

import { imageOf, push } from '../support/push.ts';
import { RawClient } from '../support/raw-client.ts';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export type Sender = (device: Endpoint, image: Uint8Array) => Promise<number>;

/** One write of everything: TCP's window alone paces it. Nothing can be faster, and it shows no progress. */
export const perfectSender: Sender = (device, image) =>
  timed(device, async (client) => {
    const connection = await client.flood(image);
    await connection.untilText(/OK$/);
  });

/** 1,460 bytes, then wait for the device's count, as the uploaders that the cores ship. */
export const lockstepSender: Sender = (device, image) =>
  timed(device, async (client) => {
    client.invite(image);
    await client.answer();
    const connection = await client.connection();
    connection.socket.setNoDelay(true);
    for (let offset = 0; offset < image.length; offset += 1460) {
      const heard = connection.reads.length;
      const counted = new Promise((resolve) => connection.socket.once('data', resolve));
      connection.socket.write(image.subarray(offset, offset + 1460));
      if (connection.reads.length === heard) await counted;
    }
    await connection.untilText(/OK$/);
  });

export const otarcSender: Sender = async (device, image) => {
  const { receipt, error } = await push(device, imageOf(image));
  if (receipt === undefined) throw error ?? new Error('no receipt');
  return receipt.durationMs;
};

async function timed(device: Endpoint, send: (client: RawClient) => Promise<void>): Promise<number> {
  const client = await RawClient.open(device);
  try {
    const startedAtMs = performance.now();
    await send(client);
    return performance.now() - startedAtMs;
  } finally {
    client.close();
  }
}
