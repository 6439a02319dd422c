@echo off
rem Compiles the sketch in this folder and pushes it over the air, to the device that .otarc names. For Windows.
rem
rem   compile                                      the board is default_fqbn of sketch.yaml
rem   compile --fqbn esp8266:esp8266:d1_mini       or named here, like any other option of arduino-cli compile
rem
rem What does it is one --build-property: a command that arduino-cli runs after each build that went well.
setlocal
cd /d "%~dp0"

rem otarc of this project (here or in a folder above), else the one that is installed for all. Its script, not otarc.cmd: a batch
rem file splits arguments anew.
set "DIR=%~dp0"
:search
set "OTARC=%DIR%node_modules\otarc\dist\cli.js"
if exist "%OTARC%" goto found
for %%D in ("%DIR%..") do set "UP=%%~fD"
if not "%UP:~-1%"=="\" set "UP=%UP%\"
if "%UP%"=="%DIR%" goto global
set "DIR=%UP%"
goto search

:global
for /f "delims=" %%D in ('npm root --global') do set "OTARC=%%D\otarc\dist\cli.js"
if not exist "%OTARC%" (
  echo otarc is not installed: npm install --save-dev otarc, or npm install --global otarc 1>&2
  exit /b 1
)

:found
rem arduino-cli fills in {...} and runs no shell. The quotes keep a path with spaces together; \" is a quote within quotes.
rem cmd itself takes each of them for the end or the beginning of a quotation, so the path stands outside. It comes from a FOR, which
rem fills it in after cmd has split the line: a folder may have an ampersand in its name.
for %%O in ("%OTARC%") do arduino-cli compile %* --build-property "recipe.hooks.postbuild.99.pattern=\"node\" \"%%~O\" push -C \"{build.source.path}\" --file \"{build.path}/{build.project_name}.bin\""
