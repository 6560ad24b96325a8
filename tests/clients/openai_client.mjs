// What OpenAI's client for Node makes of the server; prints it as JSON. Arguments: address, key.
import { readFileSync } from "node:fs";
import OpenAI, { toFile } from "openai";

const [address, key, clip] = process.argv.slice(2);
const client = new OpenAI({ baseURL: address, apiKey: key });
const text = "The rain has stopped, and the birds are singing.";
const asked = { model: "tts-1", voice: "nova", input: text, response_format: "pcm" };
const file = () => toFile(readFileSync(clip), "clip.wav");

const whole = Buffer.from(await (await client.audio.speech.create(asked)).arrayBuffer());
const parts = [];
for await (const part of (await client.audio.speech.create(asked)).body) parts.push(part);

const plain = await client.audio.transcriptions.create({ file: await file(), model: "whisper-1" });
const verbose = await client.audio.transcriptions.create({
  file: await file(),
  model: "whisper-1",
  response_format: "verbose_json",
  timestamp_granularities: ["word"],
});
const srt = await client.audio.transcriptions.create({ file: await file(), model: "whisper-1", response_format: "srt" });
const events = [];
for await (const event of await client.audio.transcriptions.create({
  file: await file(),
  model: "whisper-1",
  stream: true,
}))
  events.push(event);
const translation = await client.audio.translations.create({ file: await file(), model: "whisper-1" });

const models = [];
for await (const model of client.models.list()) models.push(model.id);

async function error(work) {
  try {
    await work();
    return null;
  } catch (caught) {
    return { kind: caught.constructor.name, status: caught.status, param: caught.param, code: caught.code };
  }
}

console.log(
  JSON.stringify({
    bytes: whole.length,
    same: Buffer.concat(parts).equals(whole),
    plain: plain.text,
    words: verbose.words.length,
    language: verbose.language,
    srt,
    last: events.at(-1),
    translation: translation.text,
    models,
    retrieved: (await client.models.retrieve("tts-1")).id,
    object: (await client.audio.speech.create({ ...asked, voice: { id: "nova" }, input: "Yes." })).status,
    voice: await error(() => client.audio.speech.create({ ...asked, voice: "nobody" })),
    input: await error(() => client.audio.speech.create({ ...asked, input: "" })),
    key: await error(() => new OpenAI({ baseURL: address, apiKey: "sk-tts-no" }).models.list()),
    model: await error(() => client.models.retrieve("nobody")),
    missing: await error(async () =>
      client.audio.transcriptions.create({ file: await file(), model: "whisper-tiny" }),
    ),
  }),
);
