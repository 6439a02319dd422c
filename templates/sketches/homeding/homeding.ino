// A HomeDing device (ESP8266 or ESP32) that can be updated over the air, from its first flash on: the OTA element of the library
// listens for updates as soon as the device is in the network.
//
//  1. Install the library HomeDing, with the libraries that it asks for (Library Manager).
//  2. Copy secrets.example.h to secrets.h and fill it in. Keep secrets.h out of git: a line `secrets.h` in .gitignore.
//  3. The first upload goes by cable. Choose the Flash Size (ESP32: the Partition Scheme) now: the layout of the flash cannot be
//     changed over the air. There has to be room for two sketches, and a file system (FS) for the configuration.
//  4. Give it its name and its OTA password: copy env.example.json to data/env.json and fill it in. The password stands there as
//     text: keep it out of git as well, by a line `data/env.json`. It is part of the file system, which goes over the air as well
//     (`otarc deploy --filesystem` with PlatformIO), or is uploaded by browser at http://NAME/$upload.htm.
//     Until then the device is called ESP-xxxxxx (esp32-xxxxxx), and takes updates from anybody in the network.
//  5. From now on: `otarc deploy`. It reads name, port and password from the same file, if .otarc says
//         devices: { livingroom: { homeding: data/env.json } }
//
// In env.json: "port" is 8266 on every chip, ESP32 too. "safemode" has to be "false": in safe mode the OTA element stays off.

// Which elements are built in. Device and OTA always are.
#define HOMEDING_REGISTER 1
#define HOMEDING_INCLUDE_SYSTEM
#define HOMEDING_INCLUDE_Value
#define HOMEDING_INCLUDE_Button
#define HOMEDING_INCLUDE_Switch
#define HOMEDING_INCLUDE_DigitalIn
#define HOMEDING_INCLUDE_DigitalOut
#define HOMEDING_INCLUDE_Timer

#include <Arduino.h>
#include <HomeDing.h>

#include <FS.h>
#include <LittleFS.h>

#include <BuiltinHandler.h>
#include <BoardServer.h>
#include <FileServer.h>

#if __has_include("secrets.h")
#include "secrets.h"
#else
#error "Copy secrets.example.h to secrets.h, and fill in your Wi-Fi."
#endif

// Proof that the new sketch runs: copy otarc.h, which lies beside this folder, into it. Nothing else is to be done: the device then
// announces which image it runs, and otarc reports after each update whether it is the one that was sent. (HomeDing itself only has
// the date when the library was compiled, at /api/sysinfo.)
#define OTARC_VERSION "1.0.0"  // a text of yours, announced as well
#if __has_include("otarc.h")
#include "otarc.h"
#endif

WebServer server(80);

void setup(void) {
  Serial.begin(115200);

  // Mounts the file system, reads /env.json and /config.json there, and starts what they name: the OTA element among them.
  homeding.init(&server, &LittleFS, "homeding");

  server.addHandler(new BuiltinHandler(&homeding));     // pages that are there without any file: set-up, upload
  server.addHandler(new BoardHandler(&homeding));       // state and actions of the elements
  server.addHandler(new FileServerHandler(&homeding));  // files (older versions: *homeding.fileSystem, &homeding)
}

void loop(void) {
  server.handleClient();
  homeding.loop();  // gives time to each element in turn, also to the one that receives updates: never wait in here
  sayWhatRuns();
}

// The OTA element calls ArduinoOTA.begin() once the network is there. Until then announce() returns false.
void sayWhatRuns() {
#ifdef OTARC_H
  static bool isAnnounced = false;
  static unsigned long triedAt = 0;
  if (isAnnounced || millis() - triedAt < 1000) return;
  triedAt = millis();
  isAnnounced = otarc::announce();
#endif
}
