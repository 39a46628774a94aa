from scripts.engine.runtime import run_environment

run_environment()
