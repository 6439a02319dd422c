// The demo's "sketch". build.mjs makes an image of it that a device takes for real.
const char version[] = "1.0.0";

void setup() { ArduinoOTA.begin(); }
void loop() { ArduinoOTA.handle(); }
