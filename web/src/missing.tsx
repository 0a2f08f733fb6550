/** Missing says that a part of the page could not be loaded, such as after an upgrade. */
export function Missing() {
  return (
    <p class="trouble" role="alert">
      A part of this page could not be loaded: the server may have been upgraded meanwhile.{" "}
      <button type="button" onClick={() => location.reload()}>Load the page again</button>
    </p>
  );
}
