// What ElevenLabs' client for Node makes of the server; prints it as JSON. Arguments: address, key, a WAV file.
import { readFileSync } from "node:fs";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const [address, key, clip] = process.argv.slice(2);
const client = new ElevenLabsClient({ baseUrl: address, apiKey: key, maxRetries: 0 });
const voice = "tone_a";
const text = "Hello there. And more.";

async function bytes(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function error(work) {
  try {
    await work();
    return null;
  } catch (caught) {
    return { status: caught.statusCode, body: caught.body };
  }
}

const asked = { text, outputFormat: "pcm_16000" };
const whole = await bytes(await client.textToSpeech.convert(voice, asked));
const streamed = await bytes(await client.textToSpeech.stream(voice, asked));
const timed = await client.textToSpeech.convertWithTimestamps(voice, asked);
const lines = [];
for await (const line of await client.textToSpeech.streamWithTimestamps(voice, asked)) lines.push(line);
const heard = clip
  ? await client.speechToText.convert({ file: new Blob([readFileSync(clip)]), modelId: "scribe_v1", diarize: false })
  : null;

console.log(
  JSON.stringify({
    bytes: whole.length,
    same: whole.equals(streamed),
    characters: timed.alignment.characters.join(""),
    lines: lines.map((line) => line.alignment.characters.join("")).join(""),
    heard,
    voices: (await client.voices.getAll()).voices.map((each) => each.voiceId),
    found: (await client.voices.search({ search: "tone" })).totalCount,
    voice: (await client.voices.get(voice)).category,
    models: (await client.models.list()).map((model) => model.modelId),
    unknown: await error(() => client.textToSpeech.convert("nobody", asked)),
    key: await error(() => new ElevenLabsClient({ baseUrl: address, apiKey: "sk-tts-no" }).models.list()),
  }),
);
