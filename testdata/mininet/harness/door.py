"""Passes TCP connections on between network namespaces, by way of a socket in
the file system.

    door.py tcp ADDRESS PORT PATH    from an address to the socket
    door.py unix PATH ADDRESS PORT   from the socket to an address
"""

from __future__ import annotations

import asyncio
import sys
from typing import Awaitable, Callable, Tuple

Streams = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def passing(onward: Callable[[], Awaitable[Streams]]) -> Callable[..., Awaitable[None]]:
    """Serves a connection by joining it to another."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await onward()
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, far[1]), copy(far[0], writer))

    return serve


async def main(kind: str, *words: str) -> None:
    if kind == "tcp":
        address, port, path = words
        server = await asyncio.start_server(passing(lambda: asyncio.open_unix_connection(path)), address, int(port))
    else:
        path, address, port = words
        server = await asyncio.start_unix_server(passing(lambda: asyncio.open_connection(address, int(port))), path)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
