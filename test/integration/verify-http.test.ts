import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { askOverHttp } from '../../src/deploy/verify/ask-http.ts';
import { homedingProof } from '../../src/deploy/verify/homeding.ts';
import { httpProof, type LookingProof } from '../../src/deploy/verify/http.ts';
import type { ProofContext } from '../../src/deploy/verify/proof.ts';
import type { Announcement } from '../../src/model/announcement.ts';
import type { Device, Image, Target } from '../../src/model/types.ts';
import type { HttpProof } from '../../src/model/verification.ts';

type Answer = { readonly status?: number; readonly text?: string; readonly headers?: Record<string, string> };

/** A sketch's web server: it can be away, and counts what it was asked. */
class Sketch {
  says: Answer | 'hangs' = {};
  readonly paths: string[] = [];
  port = 0;
  #server: Server | undefined;
  #waiting: { least: number; resolve: () => void }[] = [];

  async boot(): Promise<void> {
    const server = createServer((request, response) => {
      this.paths.push(request.url ?? '');
      if (this.says !== 'hangs') {
        const { status = 200, text = '', headers = {} } = this.says;
        response.writeHead(status, headers).end(text);
      }
      for (const { least, resolve } of this.#waiting) if (this.paths.length >= least) resolve();
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async halt(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** It is away until somebody has asked in vain. */
  async restart(): Promise<void> {
    await this.halt();
    const closed = createTcpServer((socket) => socket.on('error', () => {}).destroy()).listen(
      this.port,
      '127.0.0.1',
    );
    await once(closed, 'connection');
    closed.close();
    await once(closed, 'close');
    await this.boot();
  }

  /** When it was asked so often. */
  asked(least: number): Promise<void> {
    if (this.paths.length >= least) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ least, resolve }));
  }
}

const sketches: Sketch[] = [];
afterEach(async () => {
  for (const each of sketches.splice(0)) await each.halt();
});

async function sketchThatSays(says: Answer | 'hangs'): Promise<Sketch> {
  const sketch = new Sketch();
  sketches.push(sketch);
  sketch.says = says;
  await sketch.boot();
  return sketch;
}

const image = { path: '/p/firmware.bin', md5: 'a'.repeat(32), kind: 'firmware' } as Image;
const device = { name: 'lamp', host: 'lamp.local' } as Device;
const target = { name: 'lamp', address: '127.0.0.1', port: 8266 } as Target;
const place = { device, target, image };

const contextOf = (timeoutMs: number): ProofContext => ({
  ...place,
  before: {},
  acceptedAtMs: performance.now(),
  timeoutMs,
  knowsSum: () => false,
  address: () => '127.0.0.1',
  log: () => {},
});

const { signal } = new AbortController();

/** The proof, once it knows what the old sketch says. */
async function lookedAt(sketch: Sketch, expected: Omit<HttpProof, 'url'>): Promise<LookingProof> {
  const proof = httpProof({ url: `http://{address}:${sketch.port}/v`, ...expected });
  proof.look(place, signal);
  await sketch.asked(1);
  // The answer is on its way: a second one arrives behind it.
  await askOverHttp(new URL(`http://127.0.0.1:${sketch.port}/`), { signal });
  return proof;
}

describe('proof over HTTP', () => {
  it('is the answer that the old sketch did not give', async () => {
    const sketch = await sketchThatSays({ text: 'v1' });
    const proof = await lookedAt(sketch, { contains: 'v2' });
    sketch.says = { text: 'v2' };
    expect(await proof.wait(contextOf(20_000), signal)).toMatchObject({
      type: 'verified',
      method: 'http',
      proof: `says so at http://127.0.0.1:${sketch.port}/v`,
    });
  });

  it('is not the answer that the old sketch gives already', async () => {
    const sketch = await sketchThatSays({ text: 'OK' });
    const proof = await lookedAt(sketch, { contains: 'OK' });
    expect(await proof.wait(contextOf(700), signal)).toMatchObject({
      type: 'unproven',
      method: 'http',
      reason: expect.stringContaining('the sketch before may have given it as well, and no restart was seen'),
    });
  });

  it('is that answer after the device was away', async () => {
    const sketch = await sketchThatSays({ text: 'OK' });
    const proof = await lookedAt(sketch, { contains: 'OK' });
    const asked = sketch.paths.length;
    const waiting = proof.wait(contextOf(30_000), signal);
    await sketch.asked(asked + 1);
    await sketch.restart();
    expect(await waiting).toMatchObject({ type: 'verified' });
  });

  it('is that answer after another one', async () => {
    const sketch = await sketchThatSays({ text: 'OK' });
    const proof = await lookedAt(sketch, { contains: 'OK' });
    const asked = sketch.paths.length;
    sketch.says = { status: 503, text: 'OK' };
    const waiting = proof.wait(contextOf(30_000), signal);
    await sketch.asked(asked + 2);
    sketch.says = { text: 'OK' };
    expect(await waiting).toMatchObject({ type: 'verified' });
  });

  it('is at once an answer that names this very image, where nobody knows what the old sketch says', async () => {
    const sketch = await sketchThatSays({ text: `md5=${image.md5}` });
    const proof = httpProof({ url: `http://{address}:${sketch.port}/v`, matches: 'md5={md5}$' });
    expect(await proof.wait(contextOf(20_000), signal)).toMatchObject({ type: 'verified' });
  });

  it.each([
    ['{md5}', image.md5],
    ['{identity}', 'beef'],
    ['ready', 'ready'],
  ])(
    'needs a restart where the old sketch says %s already: a forced push of what runs',
    async (contains, text) => {
      const sketch = await sketchThatSays({ text });
      const known = { ...place, image: { ...image, identity: 'beef' } };
      const looking = async (): Promise<LookingProof> => {
        const proof = httpProof({ url: `http://{address}:${sketch.port}/v`, contains });
        const asked = sketch.paths.length;
        proof.look(known, signal);
        await sketch.asked(asked + 1);
        await askOverHttp(new URL(`http://127.0.0.1:${sketch.port}/`), { signal });
        return proof;
      };
      const stays = await looking();
      expect(await stays.wait({ ...contextOf(700), ...known }, signal)).toMatchObject({ type: 'unproven' });
      const restarts = await looking();
      const asked = sketch.paths.length;
      const waiting = restarts.wait({ ...contextOf(30_000), ...known }, signal);
      await sketch.asked(asked + 1);
      await sketch.restart();
      expect(await waiting).toMatchObject({ type: 'verified' });
    },
  );

  it('is missing where nobody saw the old sketch, and no restart is seen', async () => {
    const sketch = await sketchThatSays({ text: 'OK' });
    const proof = httpProof({ url: `http://{address}:${sketch.port}/`, contains: 'OK' });
    expect(await proof.wait(contextOf(700), signal)).toMatchObject({ type: 'unproven' });
  });

  it('says what the device answers instead, made safe', async () => {
    const sketch = await sketchThatSays({ text: 'v1' });
    const proof = await lookedAt(sketch, { contains: 'v2' });
    sketch.says = { text: '\u001b[2Jv3' };
    const { reason } = (await proof.wait(contextOf(700), signal)) as { reason: string };
    expect(reason).toBe(String.raw`http://127.0.0.1:${sketch.port}/v answers "\u001b[2Jv3"`);
  });

  it('names the old image where the device restarts and says its old version', async () => {
    const sketch = await sketchThatSays({ text: '{"v":"1.0"}' });
    const proof = httpProof({
      url: `http://{address}:${sketch.port}/`,
      json: { pointer: '/v', equals: '{version}' },
    });
    const versioned = { ...image, version: '2.0' };
    proof.look({ ...place, image: versioned }, signal);
    await sketch.asked(1);
    await askOverHttp(new URL(`http://127.0.0.1:${sketch.port}/`), { signal });
    const waiting = proof.wait({ ...contextOf(4_000), image: versioned }, signal);
    await sketch.restart();
    expect(await waiting).toMatchObject({ type: 'old-image', method: 'http', running: { version: '1.0' } });
  });

  it('is a device that is gone where it answered before and never again', async () => {
    const sketch = await sketchThatSays({ text: 'v1' });
    const proof = await lookedAt(sketch, { contains: 'v2' });
    await sketch.halt();
    expect(await proof.wait({ ...contextOf(700), isBack: () => false }, signal)).toMatchObject({
      type: 'gone',
    });
  });

  it('is missing where the device is announced, and its web server is not there any more', async () => {
    const sketch = await sketchThatSays({ text: 'v1' });
    const proof = await lookedAt(sketch, { contains: 'v2' });
    await sketch.halt();
    expect(await proof.wait({ ...contextOf(700), isBack: () => true }, signal)).toMatchObject({
      type: 'unproven',
      method: 'http',
      reason: expect.stringMatching(/^the device is announced again, but nothing answers at http:/),
      hint: expect.stringContaining('port and path'),
    });
  });

  it('is a device that is gone where it was announced, neither announces itself nor answers', async () => {
    const sketch = await sketchThatSays({});
    await sketch.halt();
    const proof = httpProof({ url: `http://{address}:${sketch.port}/`, contains: 'v2' });
    const before = { announcement: {} as Announcement };
    expect(await proof.wait({ ...contextOf(700), before }, signal)).toMatchObject({
      type: 'gone',
      hint: expect.stringContaining('port and path'),
    });
  });

  it('is a URL at which nothing ever answered', async () => {
    const sketch = await sketchThatSays({});
    await sketch.halt();
    const proof = httpProof({ url: `http://{address}:${sketch.port}/`, contains: 'v2' });
    proof.look(place, signal);
    expect(await proof.wait(contextOf(700), signal)).toMatchObject({
      type: 'unproven',
      reason: expect.stringContaining('nothing answers at http://127.0.0.1'),
    });
  });

  it('ends when aborted, in the middle of a question', async () => {
    const sketch = await sketchThatSays('hangs');
    const proof = httpProof({ url: `http://{address}:${sketch.port}/`, contains: 'v2' });
    const controller = new AbortController();
    const waiting = proof.wait(contextOf(60_000), controller.signal);
    await sketch.asked(1);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('one question', () => {
  const at = ({ port }: Sketch, path = '/') => new URL(`http://127.0.0.1:${port}${path}`);

  it('follows a redirect on the same host only', async () => {
    const sketch = await sketchThatSays({ status: 302, headers: { location: 'http://192.0.2.1/' } });
    expect(await askOverHttp(at(sketch), { signal })).toMatchObject({ type: 'unusable' });
    sketch.says = { status: 302, headers: { location: '/again' } };
    expect(await askOverHttp(at(sketch), { signal })).toMatchObject({ why: 'sends on in a circle' });
    expect(sketch.paths).toEqual(['/', '/', '/again', '/again', '/again']);
  });

  it('takes no more than 64 KiB', async () => {
    const sketch = await sketchThatSays({ text: 'x'.repeat(64 * 1024 + 1) });
    expect(await askOverHttp(at(sketch), { signal })).toMatchObject({ type: 'unusable' });
    sketch.says = { text: 'x'.repeat(64 * 1024) };
    expect(await askOverHttp(at(sketch), { signal })).toMatchObject({ type: 'answered', status: 200 });
  });

  it('ends where no answer comes', async () => {
    const sketch = await sketchThatSays('hangs');
    expect(await askOverHttp(at(sketch), { signal, answerMs: 50 })).toMatchObject({ type: 'silent' });
  });
});

describe('proof by the uptime of HomeDing', () => {
  const info = (upTime: number, build: string) => ({
    text: JSON.stringify({ devicename: 'lamp', upTime, build }),
  });

  async function lookedAtHomeding(sketch: Sketch): Promise<LookingProof> {
    const proof = homedingProof(sketch.port);
    proof.look(place, signal);
    await sketch.asked(1);
    await askOverHttp(new URL(`http://127.0.0.1:${sketch.port}/`), { signal });
    return proof;
  }

  it('is a return, never more, where the uptime began anew', async () => {
    const sketch = await sketchThatSays(info(900, 'Mar 28 2026'));
    const proof = await lookedAtHomeding(sketch);
    expect(sketch.paths[0]).toBe('/api/sysinfo');
    sketch.says = info(2, 'Mar 28 2026');
    const verification = await proof.wait(contextOf(20_000), signal);
    expect(verification).toMatchObject({ type: 'returned', reason: 'its uptime began anew' });
  });

  it('reports another build of the library', async () => {
    const sketch = await sketchThatSays(info(900, 'Mar 28 2026'));
    const proof = await lookedAtHomeding(sketch);
    sketch.says = info(2, 'Apr  1 2026');
    expect(await proof.wait(contextOf(20_000), signal)).toMatchObject({
      type: 'returned',
      reason: expect.stringContaining('was compiled on "Apr 1 2026", before on "Mar 28 2026"'),
    });
  });

  it('is missing while the old sketch goes on', async () => {
    const sketch = await sketchThatSays(info(900, 'Mar 28 2026'));
    const proof = await lookedAtHomeding(sketch);
    expect(await proof.wait(contextOf(400), signal)).toMatchObject({ type: 'unproven', method: 'return' });
  });

  it.each([
    [true, 'unproven'],
    [false, 'gone'],
  ])('is missing where it answers no more and is announced: %s', async (isBack, type) => {
    const sketch = await sketchThatSays(info(900, 'Mar 28 2026'));
    const proof = await lookedAtHomeding(sketch);
    await sketch.halt();
    expect(await proof.wait({ ...contextOf(400), isBack: () => isBack }, signal)).toMatchObject({ type });
  });

  it('is missing where nothing of HomeDing answers', async () => {
    const sketch = await sketchThatSays({ text: '<html>' });
    const proof = homedingProof(sketch.port);
    expect(await proof.wait(contextOf(400), signal)).toMatchObject({
      type: 'unproven',
      reason: 'its /api/sysinfo does not answer',
    });
  });
});
