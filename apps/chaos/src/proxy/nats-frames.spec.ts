import { NatsFrameReader } from './nats-frames.js';

const stream =
  'INFO {"a":1}\r\n' +
  'PUB necrocode.logs.s.1 5\r\na\r\nbc\r\n' +
  'HPUB $JS.ACK.x reply 12 16\r\nNATS/1.0\r\n\r\n+ACK\r\n' +
  'MSG subject 7 $JS.ACK.y 0\r\n\r\n' +
  '+OK\r\n';

describe('NatsFrameReader', () => {
  it.each([1, 3, 7, 1_000])(
    '[AR-8.2] cuts a stream into the same operations, in pieces of %i bytes',
    (size) => {
      const reader = new NatsFrameReader();
      const bytes = Buffer.from(stream);
      const frames = [];
      for (let start = 0; start < bytes.length; start += size) {
        frames.push(...reader.read(bytes.subarray(start, start + size)));
      }
      expect(frames.map(({ verb, words, payload }) => [verb, words, payload.toString()])).toEqual([
        ['INFO', [], ''],
        ['PUB', ['necrocode.logs.s.1', '5'], 'a\r\nbc'],
        ['HPUB', ['$JS.ACK.x', 'reply', '12', '16'], '+ACK'],
        ['MSG', ['subject', '7', '$JS.ACK.y', '0'], ''],
        ['+OK', [], ''],
      ]);
      expect(Buffer.concat(frames.map((frame) => frame.bytes)).toString()).toBe(stream);
    },
  );
});
