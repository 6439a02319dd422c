@echo off
rem Updates a HomeDing device over the air:      update livingroom
rem
rem It takes the image that the Arduino IDE or arduino-cli left behind (adapt the path, which starts from the folder of this
rem file), finds the device by its name, and asks for no Python and no espota.py of a certain core version.
rem
rem The password is the "passwd" of the OTA element. otarc reads it, with name and port, from the device's own env.json, if a
rem file .otarc in that folder says so:
rem     devices: { livingroom: { homeding: data/env.json } }
rem Or set it beforehand:      set OTARC_PASSWORD=123
rem
rem Needed once:               npm install --global otarc

setlocal
cd /d "%~dp0"
call otarc push %1 --file ..\..\_temp\Standard.ino.bin
