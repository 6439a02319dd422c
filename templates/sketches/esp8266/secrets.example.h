// Copy this file to secrets.h and fill it in. secrets.h stays on your computer: add a line `secrets.h` to .gitignore.
#pragma once

#define DEVICE_NAME "livingroom"  // letters, digits and hyphens: it becomes livingroom.local

#define WIFI_NAME "name of your network"
#define WIFI_PASSWORD "password of your network"

// For updates over the air. otarc needs the same one, in .otarc:      password: { env: LIVINGROOM_PW }
#define OTA_PASSWORD "choose one"
