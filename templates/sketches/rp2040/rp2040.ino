// A Raspberry Pi Pico W or Pico 2 W (boards "Raspberry Pi Pico/RP2040" of Earle Philhower) that can be updated over the air, from
// its first flash on.
//
//  1. Copy secrets.example.h to secrets.h and fill it in. Keep secrets.h out of git: a line `secrets.h` in .gitignore.
//  2. The first upload goes by cable. Choose the Flash Size now (Tools menu), with a file system (FS) larger than your sketch: an
//     update is stored there until the restart, and without FS there is none. The layout cannot be changed over the air.
//  3. From now on: `otarc deploy`, or the network port in the IDE. The device is DEVICE_NAME.local.
//     otarc cannot see in an image that it is for this chip: write `platform: rp2040` for the device in .otarc.
//
// Whatever you build on top: keep ArduinoOTA.handle() in loop(), and keep loop() short. A sketch without it, or one that hangs,
// has to be fetched back with the cable.

#include <ArduinoOTA.h>  // comes with these boards, like the next one
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
  pinMode(LED_BUILTIN, OUTPUT);
  Serial.begin(115200);

  WiFi.mode(WIFI_STA);                   // a station in your network, no network of its own
  WiFi.setHostname(DEVICE_NAME);         // the name that your router shows
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);  // may take some seconds on this chip

  ArduinoOTA.setHostname(DEVICE_NAME);   // found as DEVICE_NAME.local
  ArduinoOTA.setPassword(OTA_PASSWORD);  // without this line anybody in the network can put a sketch on it
  // ArduinoOTA.setPort(2040);           // 2040 anyway

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

  blink();
}

// Your router may be off when the device starts, or for a while: then it tries again every half minute, for as long as it takes.
// (On this chip that is needed: by itself it may never connect again.)
void keepWifi() {
  static unsigned long connectedAt = 0;
  if (WiFi.status() == WL_CONNECTED) connectedAt = millis();
  if (millis() - connectedAt < 30000) return;
  connectedAt = millis();
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
}

// Your own code goes here. millis() in place of delay(): while a delay() waits, no update is heard.
void blink() {
  digitalWrite(LED_BUILTIN, millis() / 500 % 2 == 0 ? LOW : HIGH);
}
