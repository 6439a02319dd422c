// otarc.h: the running sketch says which image it is, so that otarc can prove that the new one runs.
// ESP8266, ESP32 family, and RP2040/RP2350 with the boards of Earle Philhower (of 2025 or newer). No library is needed that a sketch
// with ArduinoOTA does not have. Copy this file into the folder of your sketch (PlatformIO: into src or include), and add:
//
//     #define OTARC_VERSION "1.4.0"  // optional, before the include: a text of yours, at most 55 characters
//     #include "otarc.h"
//
//     ArduinoOTA.begin();
//     otarc::announce();             // once after each ArduinoOTA.begin(), when the network is there
//
// It adds to what the device announces over mDNS (on the RP2040 in a service of its own, _otarc._tcp):
//
//     md5=      the sum of the sketch in the flash, as the core computes it: 32 hex digits
//     boot=     why the device started: power-on, external (reset pin), software (restart, also after an update), exception,
//               watchdog, brownout, deep-sleep, debugger, or unknown
//     version=  OTARC_VERSION, where it is defined
//     run=      eight random hex digits, new at each start: so otarc knows a restart from a repeated announcement
//
// What it costs: the sum is computed once, in announce(): up to a second for a sketch of 1 MB, in which loop() does not run (a
// watchdog of your own has to allow it). Less than 500 bytes of RAM, two thirds of them on the heap, for as long as the sketch runs.
// Anybody in the network can read it, as the device's name. With flash encryption the ESP32's sum is that of the encrypted bytes,
// which fits no image: then otarc only sees that the device restarted.
//
// announce() returns false where the device does not announce itself: mDNS is switched off (ArduinoOTA.begin(false),
// setMdnsEnabled(false)), or ArduinoOTA.begin() comes later. Then nothing is added, and it may be called again.

#ifndef OTARC_H
#define OTARC_H

#include <Arduino.h>

#if defined(ESP8266)
#include <ESP8266mDNS.h>
#include <user_interface.h>
#elif defined(ESP32)
#include <ESPmDNS.h>
#include <esp_system.h>
#if __has_include(<esp_random.h>)
#include <esp_random.h>
#endif
#elif defined(ARDUINO_ARCH_RP2040) && !defined(ARDUINO_ARCH_MBED)
#include <MD5Builder.h>
#ifndef __LEAMDNS_H  // a sketch that brings the larger responder has included it before
#include <SimpleMDNS.h>
#define OTARC_SIMPLE_MDNS
#endif
#else
#error "otarc.h is for ESP8266, ESP32, and RP2040/RP2350 with the boards of Earle Philhower (arduino-pico)."
#endif

#ifdef OTARC_VERSION
// The RP2040's responder takes items of at most 63 characters.
static_assert(sizeof("" OTARC_VERSION) <= 56, "OTARC_VERSION has more than 55 characters.");
#endif

namespace otarc {
namespace detail {

#if defined(ESP8266)

inline uint32_t randomNumber() {
  return RANDOM_REG32;
}

inline const char *bootReason() {
  switch (ESP.getResetInfoPtr()->reason) {
    case REASON_DEFAULT_RST: return "power-on";
    case REASON_WDT_RST: return "watchdog";
    case REASON_EXCEPTION_RST: return "exception";
    case REASON_SOFT_WDT_RST: return "watchdog";
    case REASON_SOFT_RESTART: return "software";
    case REASON_DEEP_SLEEP_AWAKE: return "deep-sleep";
    case REASON_EXT_SYS_RST: return "external";
    default: return "unknown";
  }
}

inline String sketchMd5() {
  return ESP.getSketchMD5();
}

#elif defined(ESP32)

inline uint32_t randomNumber() {
  return esp_random();
}

inline const char *bootReason() {
  switch (esp_reset_reason()) {
    case ESP_RST_POWERON: return "power-on";
    case ESP_RST_EXT: return "external";
    case ESP_RST_SW: return "software";
    case ESP_RST_PANIC: return "exception";
    case ESP_RST_INT_WDT: return "watchdog";
    case ESP_RST_TASK_WDT: return "watchdog";
    case ESP_RST_WDT: return "watchdog";
    case ESP_RST_DEEPSLEEP: return "deep-sleep";
    case ESP_RST_BROWNOUT: return "brownout";
    default: return "unknown";  // and what only newer cores know
  }
}

inline String sketchMd5() {
  return ESP.getSketchMD5();
}

#else

inline uint32_t randomNumber() {
  return rp2040.hwrand32();
}

inline const char *bootReason() {
  switch (rp2040.getResetReason()) {
    case RP2040::PWRON_RESET: return "power-on";
    case RP2040::RUN_PIN_RESET: return "external";
    case RP2040::SOFT_RESET: return "software";
    case RP2040::WDT_RESET: return "watchdog";
    case RP2040::DEBUG_RESET: return "debugger";
    case RP2040::GLITCH_RESET: return "brownout";
    case RP2040::BROWNOUT_RESET: return "brownout";
    default: return "unknown";
  }
}

// Of the core's linker script: the first byte behind the sketch in the flash. Under a name of its own, because libraries declare
// the symbol with different types.
extern "C" const uint8_t otarcFlashEnd[] __asm__("__flash_binary_end");

// The image as it was sent: boot code, the core's boot loader for updates, the sketch.
inline String sketchMd5() {
  MD5Builder sum;
  sum.begin();
  uintptr_t at = XIP_BASE;
  const uintptr_t end = reinterpret_cast<uintptr_t>(otarcFlashEnd);
  while (at < end) {
    const uint16_t length = end - at < 4096 ? static_cast<uint16_t>(end - at) : 4096;
    sum.add(reinterpret_cast<const uint8_t *>(at), length);
    at += length;
  }
  sum.calculate();
  return sum.toString();
}

#endif

// The same all the time that the sketch runs, however often it is asked.
inline const char *runMark() {
  static char mark[9] = "";
  if (mark[0] == '\0') {
    uint32_t number = randomNumber();
    for (int digit = 7; digit >= 0; digit--) {
      mark[digit] = "0123456789abcdef"[number & 15];
      number >>= 4;
    }
  }
  return mark;
}

// The cores return an empty text where there is no memory, and the sum of nothing where they cannot read the sketch in the flash.
inline bool isSum(const char *md5, unsigned int length) {
  const char *const nothing = "d41d8cd98f00b204e9800998ecf8427e";
  unsigned int same = 0;
  while (same < length && same < 32 && md5[same] == nothing[same]) same++;
  return length == 32 && same < 32;
}

// Adds an item to what the device announces. False: it announces nothing to add it to.
#if defined(OTARC_SIMPLE_MDNS)

// The items of _arduino._tcp are fixed in this responder. Nothing listens at the port; the name is that of the device.
inline bool add(const char *key, const char *value) {
  static hMDNSService service = nullptr;
  if (service == nullptr) service = MDNS.addService("otarc", "tcp", 2040);
  return service != nullptr && MDNS.addServiceTxt(service, key, value) != nullptr;  // without a service it would crash
}

#elif defined(ESP32)

// Without const, because only that one says in every core whether it worked; it changes nothing.
inline bool add(const char *key, const char *value) {
  return MDNS.addServiceTxt(const_cast<char *>("arduino"), const_cast<char *>("tcp"), const_cast<char *>(key),
                            const_cast<char *>(value));
}

#else

inline bool add(const char *key, const char *value) {
  return MDNS.addServiceTxt("arduino", "tcp", key, value);
}

#endif

}  // namespace detail

// See above. Returns whether the device announces it from now on.
inline bool announce() {
#ifdef OTARC_SIMPLE_MDNS
  // This responder keeps its items until the next start, and would add them again.
  static bool isAnnounced = false;
  if (isAnnounced) return true;
#endif
  // Before all else: the RP2040's responder announces a new service once, a moment later, and has to have everything by then.
  const String md5 = detail::sketchMd5();
  if (detail::isSum(md5.c_str(), md5.length())) detail::add("md5", md5.c_str());
  detail::add("boot", detail::bootReason());
#ifdef OTARC_VERSION
  detail::add("version", OTARC_VERSION);
#endif
  // Last: the ESP32 announces each item as it comes. Whoever sees a new mark sees the others too.
  const bool isAdded = detail::add("run", detail::runMark());
#ifdef OTARC_SIMPLE_MDNS
  isAnnounced = isAdded;
#endif
  return isAdded;
}

}  // namespace otarc

#endif  // OTARC_H
