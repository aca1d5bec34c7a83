"""The microphone as it is: browsers take a held note for noise and fade it by 20 dB unless they are asked not to."""

HEAD = """<script>
(() => {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => {
    if (!wanted || !wanted.audio) return ask(wanted);
    const audio = wanted.audio === true ? {} : wanted.audio;
    return ask({ ...wanted, audio: { ...audio, ...plain } });
  };
})();
</script>"""
