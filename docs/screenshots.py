"""Make the two pictures of README.md, docs/article.png and docs/corpus.png, from examples/cable.jsonl.

`python docs/screenshots.py` needs the development extras, chromium and chromedriver.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "cable.jsonl"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --hide-scrollbars"
)
WIDTH = 1280


def command(*args: object) -> None:
    """Run the command line as a user does."""
    subprocess.run([sys.executable, "-m", "stance.cli", *map(str, args)], check=True, cwd=ROOT)


def browser(folder: str) -> webdriver.Chrome:
    """A headless Chromium of the README's width."""
    options = webdriver.ChromeOptions()
    for flag in [*FLAGS.split(), f"--user-data-dir={folder}/chromium"]:
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or "chromium"
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def picture(driver: webdriver.Chrome, page: Path, out: Path, *, height: int, at: str, opened: str = "") -> None:
    """The page from the element `at` on, with one mark opened."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    driver.get(page.as_uri())
    if opened:
        driver.execute_script("arguments[0].open = true", driver.find_element(By.CSS_SELECTOR, opened))
    driver.execute_script("window.scrollTo(0, arguments[0].getBoundingClientRect().top - 12)", driver.find_element(By.CSS_SELECTOR, at))
    driver.save_screenshot(str(out))
    print(f"{out.relative_to(ROOT)}: {out.stat().st_size // 1000} kB")


def main() -> None:
    """Both pictures."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        command("classify", EXAMPLE, "--min-confidence", "0.4", "-o", here / "article.html")
        command("classify", EXAMPLE, "--min-confidence", "0.4", "-o", here / "cable.sqlite")
        command("report", here / "cable.sqlite", "-o", here / "corpus.html")
        driver = browser(folder)
        try:
            mark = "[data-actor=Chile][data-label=accuse] details"
            picture(driver, here / "article.html", ROOT / "docs/article.png", height=1060, at="form.filters", opened=mark)
            picture(driver, here / "corpus.html", ROOT / "docs/corpus.png", height=1150, at="h1")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
