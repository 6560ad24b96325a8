// What the microphone hears, as 16-bit samples at `rate` Hertz, a tenth of a second at a time.
class Microphone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.step = sampleRate / rate;
    this.place = 0; // of the next sample of the result, in samples of the input
    this.sum = 0;
    this.count = 0;
    this.block = new Int16Array(rate / 10);
    this.filled = 0;
  }

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.sum += sample;
      this.count += 1;
      this.place += 1;
      while (this.place >= this.step) {
        this.place -= this.step;
        this.add(this.count ? this.sum / this.count : 0); // the mean of what it stands for keeps most aliases out
        if (this.place < this.step) [this.sum, this.count] = [0, 0];
      }
    }
    return true;
  }

  add(sample) {
    this.block[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled === this.block.length) {
      this.port.postMessage(this.block.slice().buffer);
      this.filled = 0;
    }
  }
}

registerProcessor("microphone", Microphone);
