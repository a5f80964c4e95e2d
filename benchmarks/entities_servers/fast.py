"""FastAPI."""

from fastapi import FastAPI, HTTPException, Request, Response

from benchmarks.entities_servers.opened import STORE

app = FastAPI()


@app.get("/v0/entity")
async def read(id: str) -> Response:
    found = STORE.get(id.encode())
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="application/octet-stream")


@app.put("/v0/entity", status_code=201)
async def write(id: str, request: Request) -> Response:
    STORE.put(id.encode(), await request.body())
    return Response(status_code=201)


@app.delete("/v0/entity", status_code=202)
async def remove(id: str) -> Response:
    STORE.delete(id.encode())
    return Response(status_code=202)
