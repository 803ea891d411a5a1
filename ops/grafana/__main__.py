"""`python -m ops.grafana`: writes the dashboards and the provisioning."""

from ops.grafana import generating


def main() -> None:
    """Says what it has written."""
    for path in generating.write():
        print(path.relative_to(generating.FOLDER.parents[1]))


if __name__ == "__main__":
    main()
