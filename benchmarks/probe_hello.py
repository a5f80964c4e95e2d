"""The smallest FastAPI service: where the probe's share of a request is greatest."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
