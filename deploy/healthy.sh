#!/bin/bash
# healthy PATH [PORT]: whether Sphere answers a GET of PATH with 200. The image has no curl, and needs none for this.
exec 3<>"/dev/tcp/127.0.0.1/${2:-3000}" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
read -r -t 2 _ status _ <&3 && [[ $status == 200 ]]
