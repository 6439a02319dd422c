/** What is said of a sketch whose `loop()` comes round too rarely: the updater answers once a round. */

export const blockedCure = 'call ArduinoOTA.handle() more often: delay() in loop() holds it back.';
