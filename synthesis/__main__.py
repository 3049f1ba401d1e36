import sys

from indomain.commands.cli import run_stage

if __name__ == "__main__":
    sys.exit(run_stage("synthesis"))
