"""A minimal FastAPI server, run in the same way as ours: the baseline of `benchmarks.overhead`."""

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI(redirect_slashes=False)


@app.get("/v1/models/")
async def models() -> dict[str, list[str]]:
    return {"models": []}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, server_header=False, ws="none")
