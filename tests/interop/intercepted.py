"""Runs clients unmodified under `mockserver exec`: each calls the vendor's own host, and prints the status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

URL = "https://api.aimlapi.com/v1/models"
HERE = Path(__file__).parent
EXEC = [str(Path(sys.executable).with_name("mockserver")), "exec", "--"]
PHP = f"""
$call = curl_init("{URL}");
curl_setopt($call, CURLOPT_RETURNTRANSFER, true);
curl_exec($call);
echo curl_getinfo($call, CURLINFO_RESPONSE_CODE), "\\n";
"""
OPENAI = """
import openai
client = openai.OpenAI(api_key="any-key", base_url="https://api.aimlapi.com/v1")
print(client.models.with_raw_response.list().status_code)
"""
AIOHTTP = f"""
import aiohttp, asyncio
async def call():
    async with aiohttp.ClientSession() as session, session.get("{URL}") as answer:
        print(answer.status)
asyncio.run(call())
"""
CLIENTS = {
    "aiohttp": [sys.executable, "-c", AIOHTTP],
    "requests": [sys.executable, "-c", f"import requests; print(requests.get('{URL}').status_code)"],
    "httpx": [sys.executable, "-c", f"import httpx; print(httpx.get('{URL}').status_code)"],
    "urllib": [sys.executable, "-c", f"import urllib.request as r; print(r.urlopen('{URL}').status)"],
    "openai": [sys.executable, "-c", OPENAI],
    "curl": ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\n", URL],
    "php curl": ["php", "-r", PHP],
    "java HttpClient": ["java", str(HERE / "Models.java")],
}
PARALLEL = f"""
import concurrent.futures, requests
def call(_):
    return requests.get("{URL}", timeout=60).status_code
with concurrent.futures.ThreadPoolExecutor(200) as pool:
    print(*set(pool.map(call, range(200))))
"""
CLIENTS["200 connections in parallel"] = [sys.executable, "-c", PARALLEL]

for name, command in CLIENTS.items():
    ran = subprocess.run([*EXEC, *command], capture_output=True, text=True, check=False, timeout=120)
    answered = "200 requests answered" if "parallel" in name else "1 request answered"
    assert (ran.returncode, ran.stdout) == (0, "200\n"), (name, ran.stdout, ran.stderr)
    assert f"mockserver: {answered}, 0 calls" in ran.stderr, (name, ran.stderr)
    sys.stdout.write(f"{name}\n")
