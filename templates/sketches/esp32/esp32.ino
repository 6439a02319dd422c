// An ESP32 (S2, S3, C3, C6 …) that can be updated over the air, from its first flash on.
//
//  1. Copy secrets.example.h to secrets.h and fill it in. Keep secrets.h out of git: a line `secrets.h` in .gitignore.
//  2. The first upload goes by cable. Choose the Partition Scheme now (Tools menu): the layout of the flash, the partition table,
//     cannot be changed over the air. Take one with OTA, such as the default one: it has two slots for a sketch, the running one
//     and the new one. "Huge APP" and "No OTA" have only one.
//  3. From now on: `otarc deploy`, or the network port in the IDE. The device is DEVICE_NAME.local.
//
// Whatever you build on top: keep ArduinoOTA.handle() in loop(), and keep loop() short. A sketch without it, or one that hangs,
// has to be fetched back with the cable.

#include <ArduinoOTA.h>  // comes with the ESP32 boards, like the next one
#include <WiFi.h>

#if __has_include("secrets.h")
#include "secrets.h"
#else
#error "Copy secrets.example.h to secrets.h, and fill in your Wi-Fi and a password for updates."
#endif

// Proof that the new sketch runs: copy otarc.h, which lies beside this folder, into it. Nothing else is to be done: the device then
// announces which image it runs, and otarc reports after each update whether it is the one that was sent.
#define OTARC_VERSION "1.0.0"  // a text of yours, announced as well
#if __has_include("otarc.h")
#include "otarc.h"
#endif

bool otaIsReady = false;

void setup() {
  Serial.begin(115200);

  WiFi.setHostname(DEVICE_NAME);         // the name that your router shows; on the ESP32 before mode()
  WiFi.mode(WIFI_STA);                   // a station in your network, no network of its own
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);  // goes on in the background

  ArduinoOTA.setHostname(DEVICE_NAME);   // found as DEVICE_NAME.local
  ArduinoOTA.setPassword(OTA_PASSWORD);  // without this line anybody in the network can put a sketch on it
  // ArduinoOTA.setPort(3232);           // 3232 anyway

  // What has to be quiet while the flash is written is stopped here: motors, relays, a file system in use.
  ArduinoOTA.onStart([]() { Serial.println("update starts"); });
  ArduinoOTA.onError([](ota_error_t error) { Serial.printf("update failed, error %u\n", error); });
}

void loop() {
  keepWifi();

  // Listens for updates as soon as the network is there. No waiting for it: the sketch works offline too.
  if (!otaIsReady && WiFi.status() == WL_CONNECTED) {
    ArduinoOTA.begin();
#ifdef OTARC_H
    otarc::announce();  // once after begin()
#endif
    otaIsReady = true;
    Serial.println(WiFi.localIP());
  }
  if (otaIsReady) ArduinoOTA.handle();  // in every round: this is what receives an update

  sayThatItRuns();
  delay(1);  // leaves time to the other tasks of the chip; longer ones only delay an update
}

// Your router may be off when the device starts, or for a while: then it tries again every half minute, for as long as it takes.
void keepWifi() {
  static unsigned long connectedAt = 0;
  if (WiFi.status() == WL_CONNECTED) connectedAt = millis();
  if (millis() - connectedAt < 30000) return;
  connectedAt = millis();
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
}

// Your own code goes here. millis() in place of a long delay(): while a delay() waits, no update is heard.
void sayThatItRuns() {
  static unsigned long saidAt = 0;
  if (millis() - saidAt < 10000) return;
  saidAt = millis();
  Serial.printf("runs for %lu s\n", saidAt / 1000);
}
