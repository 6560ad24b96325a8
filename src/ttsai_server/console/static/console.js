// What the console's pages do in the browser itself: hand over files and recordings, draw and follow sound.
// Text from the server is only ever set as text, never as HTML.
const ttsai = (() => {
  const byId = (id) => document.getElementById(id);

  // Sends a file to the server; `given` gets the event `kept` with its id.
  async function keep(given, file, name) {
    const status = given.querySelector("[role=status]");
    status.textContent = `Sending ${name} …`;
    const answer = await fetch("files", {
      method: "POST",
      body: file,
      headers: { "X-File-Name": encodeURIComponent(name), "Content-Type": file.type || "application/octet-stream" },
    });
    if (!answer.ok) {
      status.textContent = answer.status === 413 ? "The file is too large." : "The file could not be sent.";
      return;
    }
    const kept = await answer.json();
    status.textContent = `${kept.name}, ${Math.ceil(kept.size / 1000)} kB`;
    given.dispatchEvent(new CustomEvent("kept", { detail: kept.id }));
  }

  // Takes a file that has been chosen or dropped in a place for sound.
  function take(event) {
    event.preventDefault();
    const file = (event.dataTransfer ?? event.target).files[0];
    if (file) keep(event.currentTarget, file, file.name);
  }

  let recorder = null;

  // Starts to record in a place for sound, by the button there; or stops, and takes what was recorded.
  async function record({ currentTarget: button }) {
    if (recorder) return recorder.stop();
    const given = button.parentElement;
    const [label, status] = [button.firstElementChild, given.querySelector("[role=status]")];
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const parts = [];
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        label.textContent = "Record";
        button.classList.remove("recording");
        const type = recorder.mimeType;
        recorder = null;
        keep(given, new Blob(parts, { type }), type.includes("mp4") ? "recording.m4a" : "recording.webm");
      };
      recorder.start(1000);
      label.textContent = "Stop";
      button.classList.add("recording");
      status.textContent = "Recording …";
    } catch (error) {
      recorder = null;
      status.textContent = navigator.mediaDevices
        ? "There is no microphone that this page may use."
        : "Browsers give a page the microphone only on localhost or over HTTPS.";
    }
  }

  function play(id, address) {
    const audio = byId(id);
    audio.src = address;
    audio.play().catch(() => {}); // where pages may not start sound by themselves, the visitor does
  }

  const toBytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  // Loudness in equal parts of the sound, 0 to 255, drawn as bars; a click goes there.
  function drawWave(canvasId, audioId, base64, seconds) {
    const [canvas, audio, bars] = [byId(canvasId), byId(audioId), toBytes(base64)];
    canvas.width = bars.length * 3;
    canvas.height = 120;
    const context = canvas.getContext("2d");
    const draw = () => {
      const colour = getComputedStyle(canvas).color;
      context.clearRect(0, 0, canvas.width, canvas.height);
      const played = (audio.currentTime / seconds) * bars.length;
      context.fillStyle = colour;
      bars.forEach((bar, place) => {
        const height = Math.max(2, (bar / 255) * canvas.height);
        context.globalAlpha = place < played ? 1 : 0.5;
        context.fillRect(place * 3, (canvas.height - height) / 2, 2, height);
      });
    };
    audio.ontimeupdate = draw;
    canvas.onclick = (event) => {
      audio.currentTime = (event.offsetX / canvas.clientWidth) * seconds;
      draw();
    };
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    draw();
  }

  // Levels 0 to 255, row by row, the highest frequency first.
  function drawSpectrogram(canvasId, base64, width, height) {
    const [canvas, levels] = [byId(canvasId), toBytes(base64)];
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    levels.forEach((level, place) => {
      const share = level / 255;
      image.data.set([255 * Math.min(1, share * 1.6), 230 * share ** 1.5, 60 + 140 * share * (1 - share) * 2, 255], place * 4);
    });
    context.putImageData(image, 0, 0);
  }

  // Words with their times, {text, start, end, speaker}: the one that is heard is marked, a click plays from there.
  function followWords(id, audioId, words) {
    const [place, audio] = [byId(id), byId(audioId)];
    let speaker = "";
    place.replaceChildren();
    const shown = words.map((word) => {
      if (word.speaker && word.speaker !== speaker) {
        const heading = document.createElement("b");
        heading.textContent = speaker = word.speaker;
        place.append(heading);
      }
      const span = document.createElement("span");
      span.textContent = word.text;
      span.title = `${word.start.toFixed(2)} s`;
      span.onclick = () => {
        audio.currentTime = word.start;
        audio.play();
      };
      place.append(word.joined ? "" : " ", span);
      return span;
    });
    audio.addEventListener("timeupdate", () => {
      words.forEach((word, number) => {
        shown[number].classList.toggle("now", word.start <= audio.currentTime && audio.currentTime < word.end);
      });
    });
  }

  // Who speaks when: a row for each speaker, in the order in which they begin; a click on a stretch plays from there.
  function showSpeakers(id, audioId, stretches, seconds) {
    const [place, audio, lines] = [byId(id), byId(audioId), new Map()];
    place.replaceChildren();
    const bars = stretches.map(({ start, end, speaker }) => {
      if (!lines.has(speaker)) {
        const [row, name, line] = ["div", "b", "div"].map((tag) => document.createElement(tag));
        name.textContent = speaker;
        row.append(name, line);
        place.append(row);
        lines.set(speaker, line);
      }
      const bar = document.createElement("span");
      bar.style.left = `${(start / seconds) * 100}%`;
      bar.style.width = `${((end - start) / seconds) * 100}%`;
      bar.title = `${start.toFixed(2)} to ${end.toFixed(2)} s`;
      bar.onclick = () => {
        audio.currentTime = start;
        audio.play();
      };
      lines.get(speaker).append(bar);
      return bar;
    });
    audio.addEventListener("timeupdate", () => {
      stretches.forEach(({ start, end }, number) => {
        bars[number].classList.toggle("now", start <= audio.currentTime && audio.currentTime < end);
      });
    });
  }

  function volume(id, share) {
    byId(id).volume = share;
  }

  // Plays the stems of a piece from the same place, or pauses them all.
  function playTogether(ids) {
    const stems = ids.map(byId);
    if (stems.some((stem) => !stem.paused)) return stems.forEach((stem) => stem.pause());
    const at = stems[0].ended ? 0 : stems[0].currentTime;
    stems.forEach((stem) => {
      stem.currentTime = at;
      stem.play();
    });
  }

  const RATE = 24000; // Hertz, of the realtime API's sound
  let call = null;

  // A conversation over /v1/realtime, with the microphone; `secret` opens that one session.
  async function talk(statusId, saidId, secret) {
    if (call) return;
    const [status, said] = [byId(statusId), byId(saidId)];
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    } catch (error) {
      status.textContent = navigator.mediaDevices
        ? "There is no microphone that this page may use."
        : "Browsers give a page the microphone only on localhost or over HTTPS.";
      return;
    }
    const address = new URL("../v1/realtime", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, ["realtime", `openai-insecure-api-key.${secret}`]);
    const context = new AudioContext();
    call = { socket, stream, context, playing: [], item: null, from: 0, until: 0 };
    const lines = new Map();
    const line = (id, speaker) => {
      if (!lines.has(id)) {
        const [paragraph, name, text] = ["p", "b", "span"].map((tag) => document.createElement(tag));
        name.textContent = speaker;
        paragraph.append(name, text);
        said.append(paragraph);
        lines.set(id, text);
      }
      return lines.get(id);
    };
    socket.onopen = async () => {
      status.textContent = "Speak.";
      await context.audioWorklet.addModule("static/microphone.js");
      const microphone = new AudioWorkletNode(context, "microphone", { processorOptions: { rate: RATE } });
      microphone.port.onmessage = ({ data }) => {
        if (socket.readyState !== WebSocket.OPEN) return;
        const audio = btoa(String.fromCharCode(...new Uint8Array(data)));
        socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio }));
      };
      context.createMediaStreamSource(stream).connect(microphone);
    };
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      switch (event.type) {
        case "conversation.item.added":
          if (event.item.type === "message") line(event.item.id, event.item.role === "user" ? "You" : "Server");
          break;
        case "conversation.item.input_audio_transcription.completed":
          line(event.item_id, "You").textContent = event.transcript;
          break;
        case "response.output_audio_transcript.delta":
          line(event.item_id, "Server").textContent += event.delta;
          break;
        case "response.output_audio.delta":
          hear(event.item_id, toBytes(event.delta));
          break;
        case "input_audio_buffer.speech_started":
          status.textContent = "Listening …";
          interrupt();
          break;
        case "input_audio_buffer.speech_stopped":
          status.textContent = "Thinking …";
          break;
        case "response.done":
          status.textContent = "Speak.";
          break;
        case "error":
          status.textContent = event.error.message;
      }
    };
    socket.onclose = () => {
      if (call && call.socket === socket) hangUp();
      if (status.textContent === "" || status.textContent === "Speak.") status.textContent = "The conversation has ended.";
    };
  }

  // Plays a part of an answer after the parts before it.
  function hear(item, bytes) {
    const samples = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
    if (!samples.length) return;
    const buffer = call.context.createBuffer(1, samples.length, RATE);
    buffer.getChannelData(0).set(Float32Array.from(samples, (sample) => sample / 32768));
    const source = call.context.createBufferSource();
    source.buffer = buffer;
    source.connect(call.context.destination);
    const now = call.context.currentTime;
    if (call.item !== item) [call.item, call.from] = [item, Math.max(now, call.until)];
    const at = Math.max(now, call.until);
    source.start(at);
    call.until = at + buffer.duration;
    call.playing.push(source);
    source.onended = () => call && (call.playing = call.playing.filter((other) => other !== source));
  }

  // Stops the answer that is heard, and tells the server how much of it was.
  function interrupt() {
    const now = call.context.currentTime;
    if (!call.item || now >= call.until) return;
    call.playing.forEach((source) => source.stop());
    const heard = Math.max(0, Math.floor((now - call.from) * 1000));
    const cut = { type: "conversation.item.truncate", item_id: call.item, content_index: 0, audio_end_ms: heard };
    call.socket.send(JSON.stringify(cut));
    [call.item, call.until] = [null, now];
  }

  function hangUp() {
    if (!call) return;
    const { socket, stream, context } = call;
    call = null;
    socket.close();
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  }

  return { take, record, play, drawWave, drawSpectrogram, showSpeakers, followWords, volume, playTogether, talk, hangUp };
})();
