"""Make the demonstration's bucket, as soon as the store answers; it may be there already."""

import os
import sys
import time

import boto3
import botocore.exceptions

SECONDS = 60


def main() -> int:
    """0 when the bucket is there, 1 when the store did not answer in time."""
    bucket = os.environ["AWS_S3_BUCKET"]
    client = boto3.client(
        "s3", endpoint_url=os.environ["NBA_BACKFILL_S3_ENDPOINT_URL"], region_name=os.environ["AWS_REGION"]
    )
    last: Exception | None = None
    for _ in range(SECONDS):
        try:
            client.create_bucket(Bucket=bucket)
        except client.exceptions.BucketAlreadyOwnedByYou:
            return 0
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if "BucketAlreadyExists" in str(error):
                return 0
            last = error
            time.sleep(1)
        else:
            return 0
    sys.stderr.write(f"the store did not make the bucket {bucket!r} within {SECONDS} s: {last}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
