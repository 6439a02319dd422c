// Copy this file to secrets.h and fill it in. secrets.h stays on your computer: add a line `secrets.h` to .gitignore.
// Leave both empty to set the network by browser: the device then opens one of its own.

const char *ssid = "name of your network";
const char *passPhrase = "password of your network";
